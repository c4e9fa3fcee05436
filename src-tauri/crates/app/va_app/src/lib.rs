//! va_app
