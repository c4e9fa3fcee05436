//! va_tests
