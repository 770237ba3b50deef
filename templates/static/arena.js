// The arena's one script. Every page works without it; it adds keys, a guard against double clicks, and no more.
"use strict";

(() => {
  const ballot = document.getElementById("ballot");
  if (!ballot) return;

  const radios = [...ballot.querySelectorAll('input[name="choice"]')];
  const reason = document.getElementById("reason");
  const comment = document.getElementById("comment");
  const problem = document.getElementById("problem");
  const dialog = document.getElementById("keys");
  const opener = document.getElementById("show-keys");
  const button = ballot.querySelector('button[type="submit"]');
  const label = button.textContent;

  const complaint = () => {
    const chosen = radios.find((radio) => radio.checked);
    if (!chosen) return [problem.dataset.missing, radios[0]];
    if (chosen.value === "cannot_judge" && !reason.value) return [problem.dataset.reason, reason];
    return null;
  };

  ballot.addEventListener("submit", (event) => {
    const [message, where] = complaint() || [];
    problem.textContent = message || "";
    if (message) {
      event.preventDefault();
      where.focus();
      return;
    }
    button.disabled = true;
    button.textContent = button.dataset.busy;
  });

  ballot.addEventListener("change", () => {
    problem.textContent = "";
  });

  // A page that comes back from the browser's memory must be usable again.
  addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = label;
  });

  const grow = () => {
    comment.rows = Math.min(6, comment.value.split("\n").length);
  };
  comment.addEventListener("input", grow);
  grow();

  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());

  const isTyping = (element) => element.matches("textarea, select");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!dialog.open && !button.disabled) ballot.requestSubmit(button);
      return;
    }
    if (event.ctrlKey || event.metaKey || dialog.open) return;
    if (event.key === "Escape" && isTyping(event.target)) {
      event.target.blur();
      return;
    }
    if (isTyping(event.target)) return;
    if (event.key === "Enter" && event.target.matches('input[type="radio"]')) {
      event.preventDefault(); // A key to confirm a choice with must not cast the vote.
    } else if (event.key === "?") {
      event.preventDefault();
      dialog.showModal();
    } else if (/^[1-9]$/.test(event.key) && radios[event.key - 1]) {
      event.preventDefault();
      const radio = radios[event.key - 1];
      radio.focus({ preventScroll: matchMedia("(min-width: 64rem)").matches });
      radio.click();
    }
  });
})();
