"""The textbook's models, runnable and measured, for people who learn."""
