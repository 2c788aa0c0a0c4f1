"""What tests share: real parts made small, and fakes that have names."""
