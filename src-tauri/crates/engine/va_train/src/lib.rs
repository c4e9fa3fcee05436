//! va_train
