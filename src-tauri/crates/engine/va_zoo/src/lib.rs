//! va_zoo
