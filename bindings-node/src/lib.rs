//! The node binding: converts arguments in, values and errors out.
