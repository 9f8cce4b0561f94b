"""Who is in the cluster, and who should own what nobody owns."""
