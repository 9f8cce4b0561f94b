"""What attackers try, and what comes of it, on servers that these tests share."""
