//! va_engine
