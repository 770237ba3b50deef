"""Whether raters agree: with each other, with judges, with themselves, and whether they favour a side."""
