//! va_server
