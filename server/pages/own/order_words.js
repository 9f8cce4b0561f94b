// @ts-check
// An order in words: what happened, and what to do next.

import { clockText, moneyText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {Translate} t @param {string} status */
export function statusText(t, status) {
  switch (status) {
    case "initiated": return t("own.statusInitiated");
    case "payment_pending": return t("own.statusPaymentPending");
    case "confirmed": return t("own.statusConfirmed");
    case "completed": return t("own.statusCompleted");
    case "cancelled": return t("own.statusCancelled");
    case "refunded": return t("own.statusRefunded");
    default: return status.replaceAll("_", " ");
  }
}

/** How an order's state looks, beside its words. */
export const LOOKS = {
  initiated: "wait", payment_pending: "wait", confirmed: "good", completed: "",
  cancelled: "", refunded: "bad",
};

/** @param {Translate} t @param {any} order @returns {[string, string]} */
function said(t, order) {
  switch (order.status) {
    case "initiated":
      return [t("own.making"), t("own.makingWords")];
    case "payment_pending":
      return pending(t, order);
    case "confirmed":
      return [t("own.yours"), order.tickets.length ? t("own.yoursWords") : t("own.ticketsSoon")];
    case "completed":
      return [t("own.over"), t("own.overWords")];
    case "cancelled":
      return [t("own.cancelled"), t("own.cancelledWords")];
    case "refunded":
      return [t("own.refunded"), order.due === null ? t("own.refundedWords") : ""];
    default:
      return [statusText(t, order.status), ""];
  }
}

/** @param {Translate} t @param {any} order @returns {[string, string]} */
function pending(t, order) {
  if (order.pay_until === null) return [t("own.confirming"), t("own.confirmingWords")];
  const time = clockText(Date.parse(order.pay_until));
  if (order.payment === null) return [t("own.unpaid"), t("own.unpaidWords", { time })];
  return [t("own.pay"), t("own.payWords", { time })];
}

/** @param {Translate} t @param {any} order */
function refundText(t, order) {
  if (order.refund === "part") return t("own.refundPart");
  return order.refund === "full" && order.status !== "refunded" ? t("own.refundFull") : "";
}

/** @param {Translate} t @param {any} order */
function dueText(t, order) {
  if (order.due === null) return "";
  const sum = moneyText(order.due);
  return order.refund === "none" ? t("own.dueAtDoor", { sum }) : t("own.dueToYou", { sum });
}

/** All that is said of an order. @param {Translate} t @param {any} order */
export function wordsOf(t, order) {
  const [headline, words] = said(t, order);
  return {
    headline, words,
    mayLeave: order.status === "payment_pending" && order.pay_until !== null,
    mayGiveBack: order.status === "confirmed",
    refund: refundText(t, order), due: dueText(t, order),
  };
}
