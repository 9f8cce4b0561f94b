"""Opens an order elsewhere than by its buyer's token: by a link or a code by mail."""
