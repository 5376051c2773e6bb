"""Our own components for the browser: bundled here, served by this app, asked for nowhere else."""
