"""Running an app again from one of its runs: what is asked, how it is sent, what came of it."""
