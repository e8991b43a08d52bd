"""Suite files: the cases to judge and the policy for them."""
