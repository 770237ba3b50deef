"""Documents of a leaderboard: tables for people, spreadsheets and programs, and the plot of its intervals."""
