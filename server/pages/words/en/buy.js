export default {
  events: "Events",
  free: { one: "{n} place is free", other: "{n} places are free" },
};
