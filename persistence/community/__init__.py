"""What people say: kept in Postgres."""
