"""Why a check ended as it did, and asking at once: try, try now, add by URL."""
