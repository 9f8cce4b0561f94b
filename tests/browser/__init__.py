"""The pages in a browser, over a shop that these tests share."""
