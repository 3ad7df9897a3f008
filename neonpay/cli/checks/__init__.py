"""What ``neonpay doctor`` looks at: one file for each thing that can be ill. Nothing here changes anything."""
