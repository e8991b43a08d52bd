SELECT c.name, max(o.amount) AS total
FROM orders o JOIN customers c ON c.id = o.customer
GROUP BY c.id ORDER BY total DESC, c.name LIMIT 3
