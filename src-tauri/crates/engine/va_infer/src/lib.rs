//! va_infer
