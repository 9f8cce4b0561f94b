"""Who somebody is: access tokens and passwords."""
