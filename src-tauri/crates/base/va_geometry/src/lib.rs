//! va_geometry
