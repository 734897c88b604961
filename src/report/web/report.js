/* SPDX-License-Identifier: MIT */
/* Comfort only: the page is complete without it. No ampersand and no less-than sign, so that the page stays well-formed XML. */
(function () {
"use strict";
var root = document.documentElement;
root.classList.add("js");
function stored(value) {
  try {
    if (value !== undefined) localStorage.setItem("assay-theme", value);
    return localStorage.getItem("assay-theme");
  } catch (e) {
    return null;
  }
}
var theme = stored();
if (theme) root.setAttribute("data-theme", theme);
function each(list, action) {
  Array.prototype.forEach.call(list, action);
}
/* A click on a heading sorts by it, largest first, then the other way; what has no number comes last. */
function sortable(table) {
  var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
  each(heads, function (head, column) {
    head.addEventListener("click", function () {
      var way = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
      function value(row) {
        var cell = row.cells[column];
        return cell ? parseFloat(cell.getAttribute("data-v")) : NaN;
      }
      Array.prototype.slice.call(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b);
        if (isNaN(x)) return isNaN(y) ? 0 : 1;
        if (isNaN(y)) return -1;
        return x === y ? 0 : (x - y) * way;
      }).forEach(function (row) {
        body.appendChild(row);
      });
      each(heads, function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    });
  });
}
function ready() {
  var toggle = document.getElementById("theme");
  toggle.addEventListener("click", function () {
    var dark = root.getAttribute("data-theme") ? root.getAttribute("data-theme") === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.setAttribute("data-theme", dark ? "light" : "dark");
    stored(dark ? "light" : "dark");
  });
  each(document.querySelectorAll("table.sorts"), sortable);
  var filter = document.getElementById("filter"), sort = document.getElementById("sort"), shown = document.getElementById("shown");
  if (!filter) return;
  var rows = [];
  each(document.querySelectorAll("table.suite tr[data-k]"), function (row, order) {
    var keys = row.getAttribute("data-k").split(" ");
    rows.push({ row: row, body: row.parentNode, order: order, share: parseFloat(keys[0]), noise: parseFloat(keys[1]), text: row.cells[0].textContent.toLowerCase() + " " + row.className });
  });
  function compare(key, way) {
    return function (a, b) {
      var x = a[key], y = b[key];
      if (isNaN(x)) return isNaN(y) ? a.order - b.order : 1;
      if (isNaN(y)) return -1;
      return x === y ? a.order - b.order : (x - y) * way;
    };
  }
  var orders = { run: compare("order", 1), low: compare("share", 1), high: compare("share", -1), noise: compare("noise", -1) };
  function update() {
    var words = filter.value.toLowerCase().split(/\s+/), flat = sort.value !== "run", visible = 0;
    each(rows, function (item) {
      var hit = words.every(function (word) { return item.text.indexOf(word) !== -1; });
      item.row.hidden = !hit;
      if (hit) visible += 1;
    });
    each(document.querySelectorAll("table.suite"), function (table) {
      table.classList.toggle("flat", flat);
      var first = table.tBodies[0];
      rows.filter(function (item) { return table.contains(item.row); }).sort(orders[sort.value]).forEach(function (item) {
        (flat ? first : item.body).appendChild(item.row);
      });
      each(table.tBodies, function (body) {
        body.classList.toggle("none", !Array.prototype.some.call(body.rows, function (row) { return row.hasAttribute("data-k") ? !row.hidden : false; }));
      });
    });
    shown.textContent = visible === rows.length ? rows.length + " benchmarks" : visible + " of " + rows.length + " benchmarks";
  }
  filter.addEventListener("input", update);
  sort.addEventListener("change", update);
  update();
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
else ready();
})();
