// Every word that the page says.

export const WORDS = {
  untitled: "Новый разговор",
  send: "Отправить",
  stop: "Остановить",
  toDark: "Тёмный вид",
  toLight: "Светлый вид",
  delete: "Удалить разговор",
  deleted: "Разговор удалён.",
  undo: "Вернуть",
  you: "Вы",
  assistant: "Степь",
  typing: "Степь отвечает.",
  done: "Ответ готов.",
  waiting: "Думает",
  cut: "Ответ остановлен",
  broken: "Ответ прервался",
  long: "Ответ упёрся в предел длины",
  empty: "Пустой ответ",
  edited: "исправлено",
  adapter: "Кто ответил",
  base: "основа без адаптера",
  up: "Хороший ответ",
  down: "Плохой ответ",
  edit: "Исправить ответ",
  regenerate: "Ответить ещё раз",
  copy: "Скопировать",
  copied: "Скопировано.",
  save: "Сохранить",
  cancel: "Отмена",
  editing: "Как надо было ответить",
  first: "Первый ответ",
  second: "Второй ответ",
  better: "Этот лучше",
  choose: "Какой ответ лучше?",
  same: "Второй ответ получился таким же.",
  retry: "Повторить",
  remembered: "Помню:",
  why: "Почему вспомнилось",
  tools: "Инструменты:",
  calls: "Что спрашивала у инструментов",
  thoughts: "Ход мысли",
  given: "запрос",
  observed: "ответ",
  score: "итог",
  recency: "свежесть",
  importance: "важность",
  relevance: "связь с вопросом",
  sources: "откуда",
  thanks: "Спасибо, учту.",
  closed: "Оценить ответ здесь нельзя.",
  closedEdit: "Правка осталась только здесь: сервер отзывов не принимает.",
  closedChoice: "Выбор остался только здесь: сервер отзывов не принимает.",
  notSent: "Отзыв не отправился.",
  full: "История не сохраняется: в браузере кончилось место или хранение запрещено.",
  badKey: "В ключе бывают только латинские буквы, цифры и знаки.",
  wrongKey: "Этот ключ не подошёл.",
  forgotten: "Ключ забыт.",
  hint: "Подсказка:",
};

export const KINDS = {
  fact: "факт",
  summary: "пересказ",
  reflection: "вывод",
  turn: "сказано",
};

export const TOOLS = {
  calculator: "калькулятор",
  clock: "часы",
  date: "календарь",
  search_memory: "память",
  sql: "запрос SQL",
};

export const STOPPED = {
  repeated: "Тот же вызов повторился, и ответ дан без инструментов.",
  steps: "Вызовов стало слишком много, и ответ дан без инструментов.",
};

const PROBLEMS = {
  0: "Нет связи с сервером.",
  401: "Нужен ключ.",
  403: "Этот ключ такого не открывает.",
  404: "Такого здесь нет.",
  413: "Слишком длинный разговор для одного запроса.",
  422: "Сервер не понял запрос.",
  429: "Слишком много вопросов подряд.",
  503: "Сейчас никто не отвечает.",
};

/** Return what an error of a status is called. */
export function problemName(status) {
  return PROBLEMS[status] ?? (status >= 500 ? "На сервере что-то сломалось." : "Не получилось.");
}

/** Return how long a call took. */
export function lasted(seconds) {
  if (seconds < 0.01) return "меньше 0,01 с";
  return `${seconds.toLocaleString("ru", { maximumFractionDigits: 2 })} с`;
}

/** Return how long until the next try. */
export function retryingIn(seconds) {
  return `${PROBLEMS[503]} Повтор через ${seconds} с.`;
}
