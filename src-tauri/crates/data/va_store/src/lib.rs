//! va_store
