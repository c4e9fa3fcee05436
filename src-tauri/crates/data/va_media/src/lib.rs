//! va_media
