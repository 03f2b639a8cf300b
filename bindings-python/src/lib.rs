//! The python binding: converts arguments in, values and errors out.
