export default {
  signIn: "Melden Sie sich als jemand an, der das verwaltet.",
  notYours: "Das gibt es nicht, oder Sie verwalten es nicht. Melden Sie sich mit dem Konto an, das es tut.",
  cockpit: "Leitstand",
  edit: "Veranstaltung",
  counter: "Abendkasse",
  orders: "Bestellungen",
  money: "Geld",
  promotions: "Aktionen",
};
