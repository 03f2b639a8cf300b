//! The swift binding: converts arguments in, values and errors out.
