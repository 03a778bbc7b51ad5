"""Fast styles for other runtimes: what runs on phones, in browsers and without torch."""
