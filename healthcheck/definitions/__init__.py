"""What people define, as documents: versions of it, and every way of changing many definitions at once."""
