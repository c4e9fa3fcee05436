//! va_domain
