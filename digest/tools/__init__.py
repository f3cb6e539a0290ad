"""Programs around the product: demo, doctor and evaluation."""
