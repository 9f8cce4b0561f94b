export default {
  pages: "Pages",
  language: "Language",
  events: "Events",
  account: "Account",
  organise: "Organise",
  admin: "Admin",
  skip: "Skip to the content",
  unreachable: "The server cannot be reached. Check your connection; we try again by ourselves.",
  again: "Try again",
  close: "Close",
  free: "free of charge",
};
