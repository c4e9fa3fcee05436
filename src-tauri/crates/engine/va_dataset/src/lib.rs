//! va_dataset
