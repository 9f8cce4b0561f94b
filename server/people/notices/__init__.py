"""What people are told: notices in the application, and their mails in words."""
