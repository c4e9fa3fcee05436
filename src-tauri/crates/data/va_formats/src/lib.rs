//! va_formats
