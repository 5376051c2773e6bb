"""Apps on a cluster's driver, on a page: which one, a call, the contract, those that are saved, and one to begin with."""
