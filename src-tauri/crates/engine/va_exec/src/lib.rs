//! va_exec
