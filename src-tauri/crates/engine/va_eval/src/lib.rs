//! va_eval
