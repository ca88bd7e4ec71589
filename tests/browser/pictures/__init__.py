"""Pictures of the pages, and what makes them: `python -m tests.browser.pictures`."""
