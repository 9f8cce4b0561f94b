"""What is asked of who joins a line: work, a captcha; more of crowds of one network."""
