export default {
  signIn: "Sign in as somebody who runs this.",
  notYours: "There is no such thing, or you do not run it. Sign in with the account that does.",
  cockpit: "Cockpit",
  edit: "Event",
  counter: "Box office",
  orders: "Orders",
  money: "Money",
  promotions: "Promotions",
};
