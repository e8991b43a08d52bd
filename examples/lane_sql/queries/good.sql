SELECT c.name, t.total
FROM (SELECT customer, sum(amount) AS total FROM orders GROUP BY customer) t JOIN customers c ON c.id = t.customer
ORDER BY t.total DESC, c.name LIMIT 3
