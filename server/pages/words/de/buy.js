export default {
  events: "Veranstaltungen",
  free: { one: "{n} Platz ist frei", other: "{n} Plätze sind frei" },
};
