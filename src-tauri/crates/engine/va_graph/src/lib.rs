//! va_graph
