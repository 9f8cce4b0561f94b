// An order in words: what happened, and what to do next.

import { clockText, moneyText } from "./words.js";

// States in which it goes on by itself.
export const OPEN = new Set(["initiated", "payment_pending"]);

const AT_LAST = "If money of yours still arrives for it, it goes back by itself, or you get" +
  " the same places if nobody has them yet.";

function said(order) {
  const paysHere = order.due === null;
  switch (order.status) {
    case "initiated":
      return ["Your order is being made", "This takes a moment; the page goes on by itself."];
    case "payment_pending":
      return pending(order);
    case "confirmed":
      return ["You have your places", order.tickets.length
        ? "Show one of these codes for each person at the entrance."
        : "Your tickets are being made. They appear here in a moment."];
    case "completed":
      return ["The event is over", "Thank you for coming."];
    case "cancelled":
      return ["This order is cancelled", `Its places went back on sale. ${AT_LAST}`];
    case "refunded":
      return paysHere
        ? ["Your money goes back", "All that you paid for this order has gone back, or is" +
            " on its way. Banks may take some days to show it."]
        : ["You get your money back", ""];
    default:
      return [order.status.replaceAll("_", " "), ""];
  }
}

function pending(order) {
  if (order.pay_until === null) {
    return ["One moment", "Your payment is being confirmed, or the time to pay is over and" +
      " the places are going back. Do not pay again; this page says what became of it."];
  }
  const until = clockText(Date.parse(order.pay_until));
  if (order.payment === null) {
    return ["This was not paid yet", "The last payment did not go through, and no money was" +
      ` taken. Your places are kept until ${until}.`];
  }
  return ["Pay for your places", `They are kept until ${until}. If you have just paid, wait a` +
    " moment: this page hears of it by itself."];
}

function refundOf(order) {
  const told = {
    part: "Part of what you paid has gone back, or is on its way.",
    full: order.status === "refunded" ? null : "What you paid goes back.",
  };
  return told[order.refund] ?? null;
}

function dueOf(order) {
  if (order.due === null) return null;
  const sum = moneyText(order.due);
  return order.refund === "none"
    ? `${sum} is to be paid at the door.`
    : `We owe you ${sum}, which could not be sent back to you. We know of it and look into it.`;
}

export function wordsOf(order) {
  const [headline, words] = said(order);
  const mayCancel = order.status === "confirmed" ||
    (order.status === "payment_pending" && order.pay_until !== null);
  const paid = order.status === "confirmed" && order.due === null && order.total?.amount;
  const sure = order.status !== "confirmed"
    ? "Your places go back on sale at once."
    : "All of its tickets stop being valid, and the places go back on sale at once." +
      (paid ? ` ${moneyText(order.total)} goes back the way it was paid.` : "");
  return { headline, words, refund: refundOf(order), due: dueOf(order), mayCancel, sure };
}
