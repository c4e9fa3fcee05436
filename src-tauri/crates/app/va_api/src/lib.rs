//! va_api
